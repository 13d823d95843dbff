-- One for each database of the server; a name of more than 64 characters would be refused.
SELECT GET_LOCK(CONCAT('pappus ', SHA1(DATABASE())), ?)
