#include "settings/section_readers.hpp"

namespace relay {

void read_journal(const Section& top, JournalSettings& journal) {
  const Section section = top.section("journal", keys::journal());
  if (const auto path = section.text("path")) {
    const std::filesystem::path written = path->value;
    if (!written.is_absolute() || !written.has_filename()) {
      section.error("path", path->quoted() + " isn't the full path of a file, beginning with '/'");
    } else {
      journal.path = written;
    }
  }
  section.read("max_size", journal.max_size, mebibytes(1), gibibytes(1024ULL * 1024));
  section.read("min_free_disk", journal.min_free_disk, ByteCount{0}, gibibytes(1024ULL * 1024));
  section.read("allow_tmpfs", journal.allow_tmpfs);
}

}  // namespace relay
