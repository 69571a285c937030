#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "sim/study/study.h"
#include "tests/config/temporary_folder.h"

/// Small studies, made from text.
namespace podium::test {

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A study on servers of 8 GPUs that runs in well under a second.
inline std::string quick_look() { return text_of(PODIUM_SOURCE_DIR "/configs/studies/quick-look.yaml"); }

/// The first `from` becomes `to`.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t place = text.find(from);
  PODIUM_CHECK(place != std::string::npos, "the text has no '" + from + "'");
  return text.replace(place, from.size(), to);
}

/// The study that a text is, as a file in a folder of its own, beside other files.
class StudyFile {
 public:
  explicit StudyFile(const std::string& text) { std::ofstream(path()) << text; }
  void add(const std::string& name, const std::string& text) const { std::ofstream(folder_.path() / name) << text; }
  std::string path() const { return (folder_.path() / "study.yaml").string(); }
  Study load() const { return load_study(path()); }

 private:
  TemporaryFolder folder_;
};

inline Study study_of(const std::string& text) { return StudyFile(text).load(); }

inline const ServingWorkload& serving(const Study& study) { return std::get<ServingWorkload>(study.workloads.at(0)); }
inline const TrainingWorkload& training(const Study& study) {
  return std::get<TrainingWorkload>(study.workloads.at(1));
}

/// The quick look's training alone, with few plans.
inline Study training_study() {
  std::string text = quick_look();
  const std::size_t begin = text.find("  - name: Qwen3"), end = text.find("  - name: Llama");
  text.erase(begin, end - begin);
  return study_of(replaced(text, "pp: [1, 2]", "pp: [1]"));
}

}  // namespace podium::test
