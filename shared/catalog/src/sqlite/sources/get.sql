SELECT url, label, status, image
FROM sources
WHERE url = ?1
