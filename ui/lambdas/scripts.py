"""A job script from S3: read as text, bounded, never run."""

from __future__ import annotations

from knowledge.errors import ConfigError, InputError, NotFound, ReadError, Unavailable

__all__ = ["read_script"]

_LARGEST = 2_000_000
_DENIED = ("AccessDenied", "403")
_GONE = ("NoSuchKey", "NoSuchBucket", "404")


def read_script(path: str) -> str:
    """The text of `s3://bucket/key`.

    Raises InputError for a path that is none or an object that is no script, NotFound, ConfigError when it may not be
    read, Unavailable.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, key = path.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise InputError(f"{path!r} is not the place of a script", hint="Write s3://bucket/key.")
    try:
        found = boto3.Session().client("s3").get_object(Bucket=bucket, Key=key)
        if found["ContentLength"] > _LARGEST:
            raise InputError(f"{path} has {found['ContentLength']:,} bytes: that is no job script")
        body: bytes = found["Body"].read()
        return body.decode("utf-8")
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in _GONE:
            raise NotFound("Script", path) from error
        if code in _DENIED:
            raise ConfigError("the script may not be read", where=path, hint="Allow s3:GetObject on it.") from error
        raise Unavailable(f"S3 did not give the script ({code})", where=path, hint="Try again.") from error
    except BotoCoreError as error:
        raise Unavailable(f"S3 did not answer: {error}", where=path, hint="Try again.") from error
    except UnicodeDecodeError as error:
        raise ReadError("the script is not UTF-8 text", where=path) from error
