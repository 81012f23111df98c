"""Archives: Kafka topics as Parquet files with manifests, in a folder, HDFS or S3; checked against what they came from, and restored."""
