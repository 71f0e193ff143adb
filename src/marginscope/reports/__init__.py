"""Pages, notebook cells and figures of results; nothing here computes a result.

Each ``<result>_page`` module has ``figure(result, ax)``, ``fragment(result)`` and
``page(result)``; ``marginscope._display`` finds it by name.
"""
