SELECT model, champion, previous, generation
FROM releases
WHERE model = ?
FOR UPDATE
