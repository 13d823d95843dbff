SELECT model, champion, previous, generation
FROM releases
WHERE model >= ?
ORDER BY model
LIMIT ?
