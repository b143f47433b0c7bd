#include "destinations/registry.hpp"

#include "destinations/azure_storage_queue.hpp"
#include "destinations/directory.hpp"
#include "destinations/http_endpoint.hpp"
#include "destinations/mllp.hpp"
#include "destinations/reportstream.hpp"
#include "destinations/s3.hpp"
#include "destinations/sftp.hpp"

namespace relay {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
// Since C++20 this needs no saying; clang 14, which clang-tidy is of, still asks for it.
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace

std::unique_ptr<Destination> make_destination(const DestinationSettings& settings, const std::string& site,
                                              const Clock& clock) {
  return std::visit(
      Overloaded{[&](const AzureStorageQueueSettings& azure) {
                   return make_azure_storage_queue(settings, azure, site, clock);
                 },
                 [&](const DirectorySettings& directory) { return make_directory(directory, site); },
                 [&](const ReportStreamSettings& reportstream) {
                   return make_reportstream(settings, reportstream, site, clock);
                 },
                 [&](const HttpSettings& http) { return make_http_endpoint(settings, http, site, clock); },
                 [&](const MllpDestinationSettings& mllp) { return make_mllp(settings, mllp); },
                 [&](const S3Settings& s3) { return make_s3(settings, s3, site, clock); },
                 [&](const SftpSettings& sftp) { return make_sftp(settings, sftp); }},
      settings.system);
}

DestinationLimits limits_of(const DestinationSettings& settings) {
  return std::visit(Overloaded{[](const AzureStorageQueueSettings& azure) { return limits_of(azure); },
                               [](const DirectorySettings&) { return DestinationLimits{}; },
                               [](const ReportStreamSettings& reportstream) { return limits_of(reportstream); },
                               [](const HttpSettings&) { return DestinationLimits{}; },
                               [](const MllpDestinationSettings&) { return mllp_limits(); },
                               [](const S3Settings& s3) { return limits_of(s3); },
                               [](const SftpSettings&) { return DestinationLimits{}; }},
                    settings.system);
}

}  // namespace relay
