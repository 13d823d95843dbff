SELECT url, label, status
FROM sources
WHERE status = 'pending' AND url > ?1
ORDER BY url
LIMIT ?2
