# make demo      set up all, and run the main job on this machine
# make test      set up all, and run the tests
# make check     the linter and the type checker
# make openvino  set up all, with OpenVINO for inference.provider = "openvino"
# make lock      choose versions anew within pyproject.toml's bounds (needs uv)

.PHONY: demo test check openvino lock clean
.DEFAULT_GOAL := demo

# Tests start hundreds of processes: each would compile every module of the libraries anew.
unexport PYTHONDONTWRITEBYTECODE

demo: .venv/run.done
	.venv/bin/lfrd demo

test: .venv/test.done
	@scripts/system-packages
	.venv/bin/pytest -n 4 --max-worker-restart 1 --dist loadfile --no-loadscope-reorder --durations 20

check: .venv/test.done
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

.venv/run.done: requirements.lock pyproject.toml scripts/environment
	@scripts/environment requirements.lock
	@touch $@

.venv/test.done: requirements-test.lock pyproject.toml scripts/environment
	@scripts/environment requirements-test.lock
	@touch $@ .venv/run.done

openvino:
	@scripts/environment requirements-openvino.lock

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra demo pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra demo --extra openvino pyproject.toml -o requirements-openvino.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra demo --extra openvino --extra test pyproject.toml -o requirements-test.lock

clean:
	rm -rf .venv data demo-data build dist
