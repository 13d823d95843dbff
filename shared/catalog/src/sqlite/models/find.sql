-- U+10FFFF, the last of all characters, comes after whatever may follow the prefix.
SELECT version
FROM models
WHERE name = ?1 AND version >= ?2 AND version < ?2 || char(0x10FFFF)
ORDER BY version
LIMIT 2
