DELETE FROM decisions
WHERE id IN (SELECT id FROM decisions WHERE at < ?1 ORDER BY at, id LIMIT ?2)
