SELECT count(*) AS predictions
FROM predictions
