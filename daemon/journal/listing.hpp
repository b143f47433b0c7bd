// Lists submissions, newest first. A page looks at a bounded number of rows, whatever the journal holds.
#pragma once

#include "base/result.hpp"
#include "journal/journal.hpp"
#include "journal/reading_pool.hpp"

namespace relay {

// Within a read transaction of the caller's. Throws DatabaseError.
Result<SubmissionPage> list_submissions(JournalReader& reader, const SubmissionQuery& query);

}  // namespace relay
