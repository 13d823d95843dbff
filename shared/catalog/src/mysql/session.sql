-- What cannot be kept as it is is an error. Rows are locked, never the gaps between them: what two writers both find
-- missing, one of them inserts, and the other is told. A statement nobody waits for any more ends by itself,
-- and so does a transaction whose client is gone without a word: its locks would be held for hours.
SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
    SESSION innodb_lock_wait_timeout = 5,
    SESSION wait_timeout = 90
    /*M!100101 , SESSION max_statement_time = 600 */
    /*!80000 , SESSION max_execution_time = 600000 */;
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
