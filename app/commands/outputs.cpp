#include "app/commands/outputs.hpp"

#include <filesystem>
#include <system_error>

#include "app/commands/support.hpp"
#include "core/support/error.hpp"
#include "io/file_pattern.hpp"

namespace spnode::app {

namespace {

namespace fs = std::filesystem;

/// Whether two paths lead to one file, which need not exist yet.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  const fs::path first = fs::weakly_canonical(fs::absolute(a, error), error);
  if (error) return false;
  const fs::path second = fs::weakly_canonical(fs::absolute(b, error), error);
  return !error && first == second;
}

/// The files of a pattern; what matches nothing cannot be written over.
std::vector<std::string> files_of(const NamedFile& input) {
  try {
    return io::matching_files(input.path);
  } catch (const FileError&) {
    return {};
  }
}

void refuse_same(const NamedFile& output, const NamedFile& other, const char* problem) {
  if (!output.path.empty() && !other.path.empty() && same_file(output.path, other.path))
    throw UsageError(output.path + " would be written as " + output.name + ", but it is " + other.name +
                     problem);
}

}  // namespace

NamedFile deck_file(const Context& context) { return {"the deck", context.line.file}; }

std::vector<NamedFile> data_files(const Context& context) {
  const DataOptions& data = context.deck.data;
  return {{"data.train", data.train}, {"data.validation", data.validation}, {"data.test", data.test}};
}

std::vector<NamedFile> start_files(const Context& context) {
  const DataOptions& data = context.deck.data;
  return {{"data.slow", data.slow}, {"data.manifold", data.manifold}};
}

std::vector<NamedFile> results(const std::vector<std::string>& paths) {
  std::vector<NamedFile> files;
  for (const std::string& path : paths) files.push_back({"a result", path});
  return files;
}

void require_separate(const parallel::Communicator& comm, const std::vector<NamedFile>& inputs,
                      const std::vector<NamedFile>& outputs) {
  parallel::collectively(comm, [&] {
    if (!comm.is_root()) return;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      for (const NamedFile& input : inputs)
        for (const std::string& path : files_of(input))
          refuse_same(outputs[i], {input.name, path}, ", which this command reads; name another file");
      for (std::size_t j = 0; j < i; ++j) refuse_same(outputs[i], outputs[j], " too; give each its own file");
    }
  });
}

void check_outputs(const Context& context, const std::vector<NamedFile>& inputs,
                   const std::vector<NamedFile>& outputs) {
  require_separate(context.comm, inputs, outputs);
  for (const NamedFile& output : outputs)
    if (!output.path.empty()) io::check_overwrite(context.comm, output.path, overwrite(context));
}

}  // namespace spnode::app
