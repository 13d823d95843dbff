SELECT CONVERT(url USING utf8mb4) AS url, label, status, image, reason
FROM sources
WHERE status = 'pending' AND head >= ? AND (head > ? OR id > ?)
ORDER BY head, id
LIMIT ?
