"""What another client of a bucket can do to one name, or sees below it, with boto3.

    s3_client.py delete-versions|bypass|read|shorten|hide|upload|count ENDPOINT BUCKET NAME

Prints what the store answered; `count` prints how many versions, delete markers and pending uploads there are.
"""

import sys
from datetime import UTC, datetime, timedelta

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

what, endpoint, bucket, name = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))


def found(kind: str) -> list[dict]:
    """Everything of a kind below the name; empty where the store has none."""
    if kind == "Uploads":
        return s3.list_multipart_uploads(Bucket=bucket, Prefix=name).get(kind, [])
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=name)
    return [entry for page in pages for entry in page.get(kind, [])]


def try_it() -> str:
    """What came of it."""
    if what == "delete-versions":
        for version in found("Versions"):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        return "deleted"
    if what == "bypass":
        for version in found("Versions"):
            named = {"Key": version["Key"], "VersionId": version["VersionId"]}
            s3.delete_object(Bucket=bucket, **named, BypassGovernanceRetention=True)
        return "deleted"
    if what == "read":
        return f"{len(s3.get_object(Bucket=bucket, Key=name)['Body'].read())} bytes"
    if what == "shorten":
        soon = datetime.now(UTC) + timedelta(seconds=2)
        s3.put_object_retention(Bucket=bucket, Key=name, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": soon})
        return "shortened"
    if what == "hide":
        return "marker" if s3.delete_object(Bucket=bucket, Key=name)["DeleteMarker"] else "deleted"
    if what == "upload":
        s3.create_multipart_upload(Bucket=bucket, Key=name)
        return "pending"
    return " ".join(str(len(found(kind))) for kind in ("Versions", "DeleteMarkers", "Uploads"))


try:
    print(try_it())
except ClientError as error:
    print(error.response["Error"]["Code"])
