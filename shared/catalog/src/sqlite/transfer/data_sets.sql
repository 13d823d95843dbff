SELECT lower(hex(digest)) AS key, digest, labelled, frozen_at
FROM data_sets
WHERE digest >= unhex(?1)
ORDER BY digest
LIMIT ?4
