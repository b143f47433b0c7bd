# What the fuzz targets reach of the daemon, beside base, submission and settings: the fuzzers are built from these files
# alone, for all of them with sanitizers would take three times as long. unit_fuzz, which is in every build, links no
# others either: where one is missing here, that build fails, and not the next campaign alone.
set(fuzzed_destinations
  azure_account azure_answers azure_request azure_sas azure_shared_key envelope_raw envelope_reportstream http_answer
  text_encoding user_agent xml_answer)
set(fuzzed_intake
  csv_validator fhir_ndjson_validator gzip_body hl7_acknowledgement mllp_frame_validator payload_validator request_fields)
set(fuzzed_journal payload_cipher payload_row receipt_text row_digest)
# Of these, beside those of settings and what it stands on.
set(fuzzed_packages SQLite::SQLite3 ZLIB::ZLIB)
