"""A local AWS with a lake in it, for a person: `make aws-local`, or `python -m tests.wire LAKE [PORT]`.

It prints the variables with which `de-copilot` (and `aws`, and boto3) finds it, and runs until it is interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from tests.wire.account import load
from tests.wire.services import Services

_IDENTITY = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "eu-central-1"}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire", description=__doc__)
    parser.add_argument("lake", type=Path, help="a lake's folder; the demo's, for example")
    parser.add_argument("port", type=int, nargs="?", default=0, help="a free one if none is given")
    parser.add_argument("--variables", type=Path, help="a file that the variables are written to, for `source`")
    options = parser.parse_args()
    with Services(options.port) as aws:
        os.environ.update(_IDENTITY, AWS_ENDPOINT_URL=aws.url)
        found = load(options.lake, bucket="lake", progress=lambda what: print(what, file=sys.stderr))
        variables = {**_IDENTITY, "AWS_ENDPOINT_URL": aws.url, **found}
        lines = "\n".join(f"export {name}={value}" for name, value in variables.items())
        if options.variables:
            options.variables.write_text(f"{lines}\n")
        print(f"{lines}\n\nThe local AWS runs at {aws.url}; Ctrl-C ends it and forgets everything.", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("ended", file=sys.stderr)


if __name__ == "__main__":
    main()
