SELECT prediction, model, version, image, class, label, predicted_at, at
FROM feedback
WHERE model = ? AND version = ? AND predicted_at >= ?
ORDER BY predicted_at DESC, prediction DESC
LIMIT ?
