import json
import subprocess
import sys

from marginscope.runs.environment import blas_read_back, package_versions


def in_a_process(before):
    code = f"{before}\nimport json\nfrom marginscope.runs.environment import blas_read_back\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "print(json.dumps(blas_read_back()))"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_libraries_that_others_bring_are_not_ours():
    plain = in_a_process("")
    assert plain
    assert in_a_process("import cvxpy, sklearn") == plain
    assert {one["internal_api"] for one in plain} == {one["internal_api"] for one in blas_read_back()}


def test_versions_are_those_that_bits_depend_on():
    assert {"python", "numpy", "scipy", "numba", "marginscope"} <= set(package_versions())
