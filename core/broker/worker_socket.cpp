#include "core/broker/worker_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace otpgw::broker {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIpc = "ipc://";
// unix(7): a socket's path ends at 107 bytes.
constexpr std::size_t kPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;

fs::path path_of(const std::string& endpoint) { return endpoint.substr(kIpc.size()); }

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

std::expected<std::string, std::string> private_endpoint(const fs::path& data_dir) {
  auto folder = data_dir / "workers";
  if ((folder / "socket").string().size() > kPathBytesMax) {
    std::string made = (fs::temp_directory_path() / "otpgateway.XXXXXX").string();
    if (!::mkdtemp(made.data()))
      return std::unexpected(made + ": can't make the folder of the workers' socket: " + reason(errno));
    folder = made;
  }
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return std::unexpected(folder.string() + ": can't make the folder: " + reason(errno));
  return std::string(kIpc) + (folder / "socket").string();
}

std::expected<std::string, std::string> shared_endpoint(const std::string& endpoint) {
  const auto path = path_of(endpoint);
  if (path.string().size() > kPathBytesMax)
    return std::unexpected("workers.endpoint: " + path.string() + " is longer than 107 bytes");
  const auto folder = path.parent_path();
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0)
    return std::unexpected("workers.endpoint: " + folder.string() + ": " + reason(errno));
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return std::unexpected("workers.endpoint: " + folder.string() +
                           " may be written by its group or by others; run chmod go-w on it");
  return endpoint;
}

std::expected<void, std::string> check_free(const std::string& endpoint) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_of(endpoint).string().copy(address.sun_path, kPathBytesMax);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool taken = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  if (taken) return std::unexpected("workers.endpoint: another instance listens on " + endpoint);
  return {};
}

std::expected<void, std::string> let_group_in(const std::string& endpoint) {
  const auto path = path_of(endpoint);
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) != 0)
    return std::unexpected("workers.endpoint: " + path.string() + ": " + reason(errno));
  return {};
}

}  // namespace otpgw::broker
