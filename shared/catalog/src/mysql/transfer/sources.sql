SELECT CONVERT(url USING utf8mb4) AS url, label, status, image, reason
FROM sources
WHERE id >= ?
ORDER BY id
LIMIT ?
