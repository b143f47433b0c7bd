#include "settings/folder_look.hpp"

#include <future>
#include <memory>
#include <system_error>
#include <thread>

#include "base/thread_name.hpp"

namespace relay {

FolderLook look_at_folder(const std::filesystem::path& folder, std::chrono::milliseconds patience) {
  std::promise<bool> promise;
  std::future<bool> answer = promise.get_future();
  std::thread([folder, promise = std::move(promise)]() mutable {
    name_this_thread("folder-look");
    std::error_code error;
    promise.set_value(std::filesystem::is_directory(folder, error));
  }).detach();
  if (answer.wait_for(patience) != std::future_status::ready) return FolderLook::silent;
  return answer.get() ? FolderLook::there : FolderLook::absent;
}

}  // namespace relay
