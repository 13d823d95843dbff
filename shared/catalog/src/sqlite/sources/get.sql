SELECT url, label, status, image, reason
FROM sources
WHERE url = ?1
