SELECT CONVERT(url USING utf8mb4) AS url, label, status, image, reason
FROM sources FORCE INDEX (PRIMARY)
WHERE id IN (?)
ORDER BY id
FOR UPDATE
