SELECT model AS key, model, champion, previous, generation
FROM releases
WHERE model >= ?1
ORDER BY model
LIMIT ?4
