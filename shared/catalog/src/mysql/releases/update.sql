UPDATE releases
SET champion = ?, previous = ?, generation = ?
WHERE model = ?
