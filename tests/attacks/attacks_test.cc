// Every hostile file is refused, with the right error that names it, at once and for little memory.

#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

#include "tests/attacks/array_attacks.h"
#include "tests/attacks/config_attacks.h"
#include "tests/attacks/hdf5_data_attacks.h"
#include "tests/attacks/json_attacks.h"
#include "tests/attacks/tfjs_attacks.h"
#include "tests/attacks/zip_attacks.h"
#include "tests/support/cost.h"

namespace cornu::testing_attacks {
namespace {

using ::cornu::testing::Cost;
using ::cornu::testing::cost_of;
using ::testing::HasSubstr;

#if defined(NDEBUG) && defined(__OPTIMIZE__)
constexpr bool kTimed = true;
#else
constexpr bool kTimed = false;
#endif
constexpr int64_t kMiB = 1 << 20, kMostMemory = 32 * kMiB;
constexpr double kMostSeconds = 0.1;

int64_t bytes_of(const std::filesystem::path& folder) {
  uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (!entry.is_symlink() && entry.is_regular_file()) bytes += entry.file_size();
  return static_cast<int64_t>(bytes);
}

void expect_refusals(const Attacks& attacks) {
  const Folder folder;
  for (const Attack& attack : attacks) {
    SCOPED_TRACE(attack.file);
    const std::string path = write(attack, folder.path(""));
    // Forking costs memory and time too. Address space is for what lies there, and some more.
    const Cost before = cost_of([] {}, kMiB);
    const Cost cost = cost_of([&] { read(path); }, bytes_of(folder.path("")) + 512 * kMiB);
    EXPECT_EQ(cost.ending, attack.ending) << cost.message;
    EXPECT_THAT(cost.message, HasSubstr(attack.word));
    // Of a model in several files, one of them.
    const bool several = attack.file.find('/') != std::string::npos;
    const std::string named = several ? std::filesystem::path(path).parent_path().string() : path;
    EXPECT_THAT(cost.message, HasSubstr(attack.ending == "done" ? "" : named));
    EXPECT_LT(cost.rss - before.rss, kMostMemory);
    EXPECT_LT(cost.processor_seconds, kTimed ? kMostSeconds : 60);
    std::filesystem::remove_all(several ? named : path);
  }
}

struct Group {
  const char* name;
  Attacks (*make)();
};
const Group kGroups[] = {
    {"ZipNames", zip_names},
    {"ZipHeaders", zip_headers},
    {"ZipEnds", zip_ends},
    {"ZipContents", zip_contents},
    {"Hdf5Superblocks", hdf5_superblocks},
    {"Hdf5Messages", hdf5_messages},
    {"Hdf5Links", hdf5_links},
    {"Hdf5Trees", hdf5_trees},
    {"Hdf5Heaps", hdf5_heaps},
    {"Hdf5Datasets", hdf5_datasets},
    {"Hdf5Chunks", hdf5_chunks},
    {"Hdf5Filters", hdf5_filters},
    {"Hdf5Attributes", hdf5_attributes},
    {"Json", json_texts},
    {"ConfigClasses", config_classes},
    {"ConfigArguments", config_arguments},
    {"ConfigGraphs", config_graphs},
    {"ConfigSizes", config_sizes},
    {"TfjsFiles", tfjs_files},
    {"TfjsManifests", tfjs_manifests},
    {"OtherFiles", other_files},
    {"UnpackedFolders", unpacked_folders},
    {"ShardedWeights", sharded_weights},
    {"Safetensors", safetensors_files},
    {"Npy", npy_files},
};

class AttackTest : public ::testing::TestWithParam<Group> {};

TEST_P(AttackTest, IsRefused) { expect_refusals(GetParam().make()); }
INSTANTIATE_TEST_SUITE_P(All, AttackTest, ::testing::ValuesIn(kGroups),
                         [](const auto& group) { return group.param.name; });

// Writes all files to the folder that CORNU_ATTACKS names: scripts/syscalls.sh asks for it.
TEST(AttackFiles, Written) {
  const char* folder = std::getenv("CORNU_ATTACKS");
  std::set<std::string> names;
  for (const Group& group : kGroups)
    for (const Attack& attack : group.make()) {
      EXPECT_TRUE(names.insert(attack.file).second) << attack.file;
      if (folder) write(attack, folder);
    }
  EXPECT_GE(names.size(), 900u);
}

}  // namespace
}  // namespace cornu::testing_attacks
