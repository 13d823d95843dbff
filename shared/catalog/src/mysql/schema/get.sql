SELECT layout
FROM pappus_layout
WHERE only_row = 1
