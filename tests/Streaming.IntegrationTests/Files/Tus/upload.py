# Uploads a file with tuspy in two runs, as after a restart: upload.py <endpoint> <file> <chunk size>. Prints the address.
import sys
from tusclient import client

endpoint, path, chunk_size = sys.argv[1], sys.argv[2], int(sys.argv[3])
tus = client.TusClient(endpoint)
first = tus.uploader(path, chunk_size=chunk_size, metadata={"filename": "tuspy.bin"})
first.upload_chunk()
second = client.TusClient(endpoint).uploader(path, chunk_size=chunk_size, url=first.url)
assert second.offset == first.offset > 0, (second.offset, first.offset)
second.upload()
print(second.url)
