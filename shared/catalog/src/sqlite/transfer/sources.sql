SELECT url AS key, url, label, status, image, reason
FROM sources
WHERE url >= ?1
ORDER BY url
LIMIT ?4
