SELECT url
FROM sources
WHERE url = ?1 AND status = 'pending'
