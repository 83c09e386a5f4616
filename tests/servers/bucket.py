"""Makes a bucket with Object Lock, and proves it with a write and a read. Arguments: the endpoint, the bucket."""
import sys

import boto3
from botocore.config import Config

endpoint, bucket = sys.argv[1:]
config = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config)
if bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]]:
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
written = s3.put_object(Bucket=bucket, Key="ready", Body=b"ready")
assert s3.get_object(Bucket=bucket, Key="ready")["Body"].read() == b"ready"
s3.delete_object(Bucket=bucket, Key="ready", **({"VersionId": written["VersionId"]} if "VersionId" in written else {}))
