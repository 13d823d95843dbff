DELETE FROM predictions
WHERE at < ?
ORDER BY at, id
LIMIT ?
