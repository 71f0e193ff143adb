"""Files that are whole or not there, and directories that a run can be resumed from."""

from marginscope.runs.atomic import check_writable, write_bytes_atomically, write_text_atomically

__all__ = ["check_writable", "write_bytes_atomically", "write_text_atomically"]
