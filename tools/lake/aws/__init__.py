"""A lake in an AWS account: tables in Glue, SQL on Athena, files on S3. It keeps the protocol of tools/lake/base.py.

lake.py      the pieces in order, as the protocol wants them
glue.py      tables, views, partitions and jobs as the Glue catalog has them
athena.py    one statement on Athena: started, waited for, cancelled, its rows as Python values
costs.py     what a statement will scan, told before it runs
objects.py   objects of S3, and the lake's text files among them
"""

from tools.lake.aws.lake import AwsLake, open_lake

__all__ = ["AwsLake", "open_lake"]
