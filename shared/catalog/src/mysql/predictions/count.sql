-- Counted no further than asked for.
SELECT COUNT(*) AS predictions
FROM (SELECT 1 FROM predictions WHERE at >= ? AND at < ? LIMIT ?) AS counted
