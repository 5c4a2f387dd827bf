"""Object storage in a bucket: Amazon S3, Cloudflare R2, or another that speaks S3."""
