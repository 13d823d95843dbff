SELECT name || '/' || version || '/' || lower(hex(data_set)) AS key, evaluation
FROM evaluations
WHERE (name, version, data_set) >= (?1, ?2, unhex(?3))
ORDER BY name, version, data_set
LIMIT ?4
