SELECT generation
FROM releases
LIMIT 1
