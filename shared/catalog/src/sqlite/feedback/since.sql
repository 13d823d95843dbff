SELECT prediction, model, version, image, class, label, predicted_at, at
FROM feedback
WHERE model = ?1 AND version = ?2 AND predicted_at >= ?3
ORDER BY predicted_at DESC, prediction DESC
LIMIT ?4
