SELECT digest, labelled, frozen_at
FROM data_sets
WHERE digest >= ?
ORDER BY digest
LIMIT ?
