# syntax=docker/dockerfile:1
# One image, two uses.
#   The chat (as it is):  docker run --rm -p 8501:8501 -v "$PWD/.demo/wealth:/lake" de-copilot
#   A Lambda function:    the same image; its command names a handler of ui/lambdas.py:
#                         ["python", "-m", "awslambdaric", "ui.lambdas.<handler>"]

# Every locked package, checked against its hash, as a wheel. The later stages ask no index for anything: what
# they install can only be what the lock names. They take what the product needs and leave the tests' tools.
FROM python:3.11-slim-bookworm AS wheels
ENV PIP_CACHE_DIR=/pip-cache PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements.lock ./
RUN --mount=type=cache,target=/pip-cache \
    pip wheel --require-hashes --wheel-dir /wheels --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./

# The project's name and needs without its code, so that the large layer below outlives a change of code.
FROM wheels AS needs
RUN pip wheel --no-index --find-links /wheels --no-deps --wheel-dir /needs .

FROM wheels AS code
COPY agent agent
COPY examples examples
COPY knowledge knowledge
COPY tools tools
COPY ui ui
RUN pip wheel --no-index --find-links /wheels --no-deps --wheel-dir /code .

FROM python:3.11-slim-bookworm
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1 STREAMLIT_BROWSER_GATHER_USAGE_STATS=false
RUN useradd --create-home --uid 10001 copilot \
    && install --directory --owner copilot /lake
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    --mount=type=bind,from=needs,source=/needs,target=/needs \
    pip install --no-index --find-links /wheels /needs/*.whl
RUN --mount=type=bind,from=code,source=/code,target=/code \
    pip install --no-index --no-deps --force-reinstall /code/*.whl

# The lake, with its copilot.toml, is mounted or configured (DE_COPILOT_*), never part of the image.
WORKDIR /lake
USER 10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["de-copilot", "ui", "--host", "0.0.0.0", "--port", "8501"]
