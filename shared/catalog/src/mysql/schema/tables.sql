SELECT CAST(table_name AS CHAR CHARACTER SET utf8mb4) AS name
FROM information_schema.tables
WHERE table_schema = DATABASE()
ORDER BY table_name
