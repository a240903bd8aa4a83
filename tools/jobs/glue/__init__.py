"""AWS Glue's library (`awsglue`) as the reader knows it."""
