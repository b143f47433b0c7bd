// Whether a folder that the configuration names is there, asked with patience: the kernel answers for a share whose
// server hangs only when that comes back, and neither a start nor a reload may wait for it.
#pragma once

#include <chrono>
#include <filesystem>

namespace relay {

enum class FolderLook { there, absent, silent };

// Any thread. Where nothing answers within `patience` the question is left to a thread that ends with its answer, or
// with the process.
FolderLook look_at_folder(const std::filesystem::path& folder, std::chrono::milliseconds patience);

}  // namespace relay
