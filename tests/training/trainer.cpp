#include "training/trainer.hpp"

#include "catch.hpp"
#include "petsc/petsc.hpp"
#include "training/batch_objective.hpp"
#include "training/start/trials.hpp"
#include "training_run.hpp"

#include <petsctao.h>

#include <algorithm>
#include <cmath>

using namespace spnode;
using namespace spnode::tests;
using parallel::Communicator;

namespace {

/// The same run on one rank and without interruption.
ToyRun reference(const TrainingOptions& options = short_training()) {
  ToyRun run{Communicator(MPI_COMM_SELF), options};
  run.run();
  return run;
}

TrainingOptions only(OptimizerKind optimizer) {
  TrainingOptions options = short_training();
  options.pretrain_epochs = 0;
  options.optimizers = {optimizer};
  return options;
}

TrainingOptions gauss_newton(NormalSolver solver) {
  TrainingOptions options = only(OptimizerKind::gauss_newton);
  // Damping that begins much too large: several steps, some of them refused.
  options.gauss_newton = {.iterations = 5, .damping = 10.0, .solver = solver, .gradient_tolerance = 0.0};
  return options;
}

}  // namespace

TEST_CASE("trained_parameters_are_bitwise_those_of_one_rank") {
  for (const auto& options : {short_training(), only(OptimizerKind::adam), only(OptimizerKind::lbfgs),
                              gauss_newton(NormalSolver::dense), gauss_newton(NormalSolver::cg)}) {
    const ToyRun alone = reference(options);
    ToyRun shared{Communicator(), options};
    CHECK(bytes(shared.run()) == bytes(alone.state));
    REQUIRE(shared.records.size() == alone.records.size());
    for (std::size_t i = 0; i < alone.records.size(); ++i) {
      CHECK(shared.records[i].loss.total == alone.records[i].loss.total);
      CHECK(shared.records[i].validation->total == alone.records[i].validation->total);
      CHECK(shared.records[i].gradient_norm == alone.records[i].gradient_norm);
    }
  }
}

TEST_CASE("training_lowers_the_loss_phase_by_phase_and_keeps_frozen_blocks") {
  const ToyRun run = reference();
  REQUIRE(run.records.size() == 1 + 4 + 9);
  CHECK(run.records[0].phase == "pretrain");
  CHECK(run.records[1].phase == "adam");
  CHECK(run.records[5].phase == "lbfgs");
  CHECK(run.records[4].loss.total < run.records[1].loss.total);
  CHECK(run.records[13].loss.total < run.records[4].loss.total);
  for (std::size_t i = 0; i < run.records.size(); ++i) CHECK(run.records[i].epoch == i + 1);
  CHECK(run.records[1].steps == 8);
  CHECK(run.records[13].steps == 9);
  CHECK(run.state.best_theta[0] == 0.25);
  CHECK(run.state.best_theta[1] == -4.0);
  CHECK(run.state.phase == 3);
  CHECK(run.state.records == 14);
}

TEST_CASE("rollout_lengths_share_the_epochs_of_adam") {
  TrainingOptions options = short_training();
  options.adam.epochs = 6;
  options.adam.rollout_lengths = {1, 2, 7};
  const ToyRun run = reference(options);
  // Two epochs of Adam each, then L-BFGS.
  CHECK(run.objective.rollout_lengths == std::vector<std::size_t>{1, 2, 7, 0});
}

TEST_CASE("progress_of_adam_counts_the_times_of_longer_rollouts") {
  TrainingOptions options = only(OptimizerKind::adam);
  options.adam.epochs = 2;
  options.adam.rollout_lengths = {1, 7};
  ToyRun run{Communicator(MPI_COMM_SELF), options};
  std::vector<double> shares;
  run.hooks.progress = [&](const Progress& progress) { shares.push_back(progress.share); };
  run.run();
  REQUIRE(shares.size() % 2 == 0);
  // Two times of a window in the steps of the first epoch, eight in those of the second.
  CHECK(shares[shares.size() / 2 - 1] == Approx(0.2));
  CHECK(shares.back() == Approx(1.0));
  CHECK(std::ranges::is_sorted(shares));
}

TEST_CASE("best_parameters_are_those_of_the_smallest_validation_loss") {
  const ToyRun run = reference();
  double best = INFINITY;
  std::uint64_t epoch = 0;
  for (const EpochRecord& record : run.records) {
    if (record.phase == "pretrain") continue;
    CHECK(record.best == (record.validation->total <= best));
    if (record.best) {
      best = record.validation->total;
      epoch = record.epoch;
    }
  }
  CHECK(run.state.best_loss == best);
  CHECK(run.state.best_epoch == epoch);
  ToyRun check{Communicator(MPI_COMM_SELF)};
  BatchObjective validation(check.comm, check.objective, check.validation, check.validation_windows);
  CHECK(validation.value(run.state.best_theta).loss.total == best);
}

TEST_CASE("best_parameters_are_given_out_from_the_validated_start_on_and_get_better") {
  TrainingOptions options = only(OptimizerKind::adam);
  options.patience = 0;
  ToyRun run{Communicator(), options};
  std::vector<std::pair<std::uint64_t, double>> given;  // epochs, best loss
  run.hooks.best = [&](const TrainerState& state) {
    CHECK(given.size() == state.epochs);
    CHECK((given.empty() || state.best_loss <= given.back().second));
    given.emplace_back(state.best_epoch, state.best_loss);
  };
  run.run();
  REQUIRE(given.size() == run.records.size() + 1);
  CHECK(given.front().first == 0);
  CHECK(std::isfinite(given.front().second));
  CHECK(given.back() == std::pair(run.state.best_epoch, run.state.best_loss));
  for (const EpochRecord& record : run.records)
    CHECK(record.best == (given[record.epoch].first == record.epoch));
}

TEST_CASE("every_checkpoint_resumes_to_the_same_bits_on_any_number_of_ranks") {
  const ToyRun alone = reference();
  TrainingOptions options = short_training();
  options.checkpoint_epochs = 1;
  ToyRun shared{Communicator(), options};
  shared.run();
  REQUIRE(shared.checkpoints.size() > 6);
  for (int ranks = 1; ranks <= shared.comm.size(); ++ranks) {
    const SubCommunicator some(ranks);
    if (!some.is_member()) continue;
    for (const TrainerState& saved : shared.checkpoints) {
      ToyRun resumed{some.get(), options};
      resumed.state = saved;
      CHECK(bytes(resumed.run()) == bytes(alone.state));
      CHECK(saved.records + resumed.records.size() == alone.records.size());
    }
  }
}

TEST_CASE("gauss_newton_after_other_optimizers_resumes_to_the_same_bits_on_any_number_of_ranks") {
  for (const NormalSolver solver : {NormalSolver::dense, NormalSolver::cg}) {
    TrainingOptions options = short_training();
    options.optimizers = {OptimizerKind::adam, OptimizerKind::lbfgs, OptimizerKind::gauss_newton};
    options.lbfgs.iterations = 2;
    options.gauss_newton = {.iterations = 5, .damping = 10.0, .solver = solver, .gradient_tolerance = 0.0};
    const ToyRun alone = reference(options);
    CHECK(alone.records.back().phase == "gauss_newton");
    options.checkpoint_epochs = 1;
    ToyRun shared{Communicator(), options};
    CHECK(bytes(shared.run()) == bytes(alone.state));
    for (int ranks = 1; ranks <= shared.comm.size(); ++ranks) {
      const SubCommunicator some(ranks);
      if (!some.is_member()) continue;
      for (const TrainerState& saved : shared.checkpoints) {
        if (saved.phase < 3) continue;
        ToyRun resumed{some.get(), options};
        resumed.state = saved;
        CHECK(bytes(resumed.run()) == bytes(alone.state));
      }
    }
  }
}

TEST_CASE("gauss_newton_solves_least_squares_to_rounding_in_a_few_steps") {
  for (const NormalSolver solver : {NormalSolver::dense, NormalSolver::cg}) {
    TrainingOptions options = only(OptimizerKind::gauss_newton);
    options.gauss_newton = {.iterations = 50, .solver = solver, .gradient_tolerance = 1e-13};
    ToyRun run{Communicator(), options};
    run.with_validation = false;
    run.train = toy_linear_data(run.train_sampler.held(run.comm.rank(), run.comm.size()));
    run.run();
    CHECK(run.state.best_loss < 1e-24);
    CHECK(run.records.size() < 20);
    CHECK(run.state.best_theta[0] == 0.25);
    CHECK(run.state.best_theta[1] == -4.0);
  }
}

TEST_CASE("gauss_newton_backs_off_from_a_region_without_a_finite_loss") {
  TrainingOptions options = only(OptimizerKind::gauss_newton);
  options.gauss_newton = {.iterations = 50, .damping = 1e-3, .gradient_tolerance = 1e-12};
  ToyRun free{Communicator(), options}, bounded{Communicator(), options};
  free.with_validation = bounded.with_validation = false;
  free.run();
  bounded.state.theta[2] = bounded.state.best_theta[2] = 0.0;
  bounded.objective.domain = 0.5 * std::abs(free.state.best_theta[2]);  // the minimum is outside
  bounded.run();
  CHECK(bounded.objective.outside > 0);
  CHECK(bounded.state.best_loss < bounded.records.front().loss.total);
  CHECK(std::abs(bounded.state.best_theta[2]) <= bounded.objective.domain);
}

TEST_CASE("minutes_checkpoint_at_every_step_without_changing_the_result") {
  TrainingOptions options = short_training();
  options.checkpoint_minutes = 1e-12;  // due at every step
  ToyRun shared{Communicator(), options};
  CHECK(bytes(shared.run()) == bytes(reference().state));
  const auto inside = [](const TrainerState& saved) { return saved.step == 5 && saved.phase == 1; };
  const auto mid = std::find_if(shared.checkpoints.begin(), shared.checkpoints.end(), inside);
  REQUIRE(mid != shared.checkpoints.end());
  ToyRun resumed{Communicator()};
  resumed.state = *mid;
  CHECK(bytes(resumed.run()) == bytes(reference().state));
}

TEST_CASE("finished_state_is_left_as_it_is") {
  const ToyRun done = reference();
  ToyRun again{Communicator()};
  again.state = done.state;
  CHECK(bytes(again.run()) == bytes(done.state));
  CHECK(again.records.empty());
}

TEST_CASE("lbfgs_solves_least_squares_to_rounding") {
  TrainingOptions options = only(OptimizerKind::lbfgs);
  options.lbfgs = {.iterations = 300, .cycle = 40, .history = 20, .gradient_tolerance = 1e-13};
  ToyRun run{Communicator(), options};
  run.with_validation = false;  // the training loss selects
  // States that follow a linear map: the smallest loss is zero. Above a loss of about 1 a line search, which
  // compares losses, could not see gradients below the root of their rounding.
  run.train = toy_linear_data(run.train_sampler.held(run.comm.rank(), run.comm.size()));
  run.run();
  BatchObjective objective(run.comm, run.objective, run.train, run.train_sampler);
  std::vector<double> gradient(objective.parameters());
  CHECK(objective.gradient({}, run.state.best_theta, gradient).gradient_norm < 1e-10);
  CHECK(run.records.size() < 300);
}

TEST_CASE("lbfgs_backs_off_from_a_region_without_a_finite_loss") {
  TrainingOptions options = only(OptimizerKind::lbfgs);
  options.lbfgs.iterations = 100;
  ToyRun free{Communicator(), options}, bounded{Communicator(), options};
  free.with_validation = bounded.with_validation = false;
  // The minimum is inside; line searches on the way try points outside.
  for (ToyRun* run : {&free, &bounded}) run->state.theta[2] = run->state.best_theta[2] = 0.8;
  bounded.objective.domain = 0.81;
  free.run();
  bounded.run();
  CHECK(bounded.objective.outside > 0);
  CHECK(bounded.state.best_loss == Approx(free.state.best_loss).epsilon(1e-12));
}

TEST_CASE("lbfgs_refuses_a_start_without_a_finite_loss") {
  ToyRun run{Communicator(), only(OptimizerKind::lbfgs)};
  run.objective.domain = 0.1;
  CHECK_THROWS_AS(run.run(), NumericalError);
}

TEST_CASE("non_finite_steps_are_skipped_and_counted_and_resume_to_the_same_bits") {
  TrainingOptions options = only(OptimizerKind::adam);
  options.adam.learning_rate = {ScheduleKind::constant, 0.3, 0.0, 1.0, 0};
  options.checkpoint_minutes = 1e-12;
  const auto prepare = [](ToyRun& run) { run.objective.domain = 0.31; };  // W[0] starts at 0.3
  ToyRun whole{Communicator(), options};
  prepare(whole);
  whole.run();
  std::uint64_t skipped = 0;
  for (const EpochRecord& record : whole.records) skipped += record.skipped;
  CHECK(skipped > 0);
  CHECK(skipped == whole.objective.outside);
  CHECK(std::abs(whole.state.best_theta[2]) <= 0.31);
  CHECK(whole.state.best_loss < INFINITY);

  const auto shrunk = [](const TrainerState& saved) { return saved.adam.bad_steps > 0; };
  const auto bad = std::find_if(whole.checkpoints.begin(), whole.checkpoints.end(), shrunk);
  REQUIRE(bad != whole.checkpoints.end());
  ToyRun resumed{Communicator(MPI_COMM_SELF), options};
  prepare(resumed);
  resumed.state = *bad;
  CHECK(bytes(resumed.run()) == bytes(whole.state));
}

TEST_CASE("training_gives_up_after_the_set_number_of_bad_steps_and_names_the_step") {
  TrainingOptions options = only(OptimizerKind::adam);
  options.max_bad_steps = 11;
  ToyRun run{Communicator(), options};
  run.objective.domain = 0.0;
  try {
    run.run();
    FAIL("did not throw");
  } catch (const NumericalError& error) {
    CHECK(error.status() == ExitStatus::numerical_error);
    const std::string message = error.what();
    CHECK(message.find("11 consecutive steps") != std::string::npos);
    CHECK(message.find("step 3 of epoch 2") != std::string::npos);
  }
  CHECK(run.state.theta[2] == 0.3);
}

TEST_CASE("failure_on_one_rank_ends_training_on_all_with_its_status") {
  const Communicator comm;
  for (const auto optimizer : {OptimizerKind::adam, OptimizerKind::lbfgs, OptimizerKind::gauss_newton}) {
    ToyRun run{comm, only(optimizer)};
    int calls = 0;
    run.objective.before_set = [&] {
      if (++calls == 5 && comm.rank() == comm.size() - 1) throw FileError("lost");
    };
    try {
      run.run();
      FAIL("did not throw");
    } catch (const Error& error) {
      CHECK(error.status() == ExitStatus::file_error);
    }
  }
}

TEST_CASE("patience_ends_a_phase_after_validations_without_a_better_one") {
  TrainingOptions options = only(OptimizerKind::adam);
  options.patience = 2;
  options.adam.epochs = 50;
  options.adam.learning_rate = {ScheduleKind::constant, 1e-300, 0.0, 1.0, 0};  // nothing moves
  ToyRun run{Communicator(), options};
  run.run();
  CHECK(run.records.size() == 2);
  CHECK(run.state.best_epoch == 2);  // of equals the latest
}

TEST_CASE("a_start_that_no_epoch_improves_is_the_model") {
  TrainingOptions options = only(OptimizerKind::adam);
  options.adam.epochs = 3;
  options.adam.learning_rate = {ScheduleKind::constant, 1e3, 0.0, 1.0, 0};
  ToyRun run{Communicator(), options};
  const std::vector<double> start = run.state.theta;
  run.run();
  CHECK(run.state.best_epoch == 0);
  CHECK(run.state.best_theta == start);
  CHECK(run.state.best_loss < run.records.back().validation->total);
}

TEST_CASE("best_of_several_starts_is_the_one_with_the_lowest_loss_after_the_same_epochs") {
  TrainingOptions options = short_training();
  options.starts = 4;
  options.start_epochs = 2;
  ToyRun run{Communicator(), options};
  const auto start = [&](std::size_t k) {
    std::vector<double> theta = run.state.theta;
    theta[5] += 0.3 * double(k == 0 ? 2 : k - 1);  // the second is the one of the other tests
    if (k == 3) theta[6] = 1e200;                  // squares overflow
    return theta;
  };
  std::vector<double> losses;
  const std::vector<double> best = best_start(run.comm, run.setup(), start, [&](std::size_t k, double loss) {
    CHECK(k == losses.size());
    losses.push_back(loss);
  });
  REQUIRE(losses.size() == 4);
  CHECK(losses[3] == INFINITY);
  CHECK(run.records.empty());
  CHECK(run.checkpoints.empty());

  // Each alone, with as few epochs.
  options.adam.epochs = 2;
  options.lbfgs.iterations = 2;
  options.pretrain_epochs = 1;
  std::vector<double> expected;
  for (std::size_t k = 0; k < 3; ++k) {
    ToyRun alone{Communicator(MPI_COMM_SELF), options};
    alone.state = TrainerState::start(start(k));
    alone.run();
    CHECK(alone.state.best_loss == losses[k]);
    if (alone.state.best_loss == *std::ranges::min_element(losses)) expected = alone.state.best_theta;
  }
  CHECK(best == expected);
}

TEST_CASE("starts_without_a_finite_loss_are_refused") {
  TrainingOptions options = only(OptimizerKind::adam);
  options.starts = 2;
  ToyRun run{Communicator(), options};
  CHECK_THROWS_AS(best_start(
                      run.comm, run.setup(),
                      [&](std::size_t) { return std::vector<double>(run.state.theta.size(), std::nan("")); },
                      [](std::size_t, double) {}),
                  NumericalError);
}

TEST_CASE("validation_and_spectrum_keep_their_intervals") {
  TrainingOptions options = short_training();
  options.validate_every = 3;
  options.spectrum_every = 4;
  ToyRun run{Communicator(), options};
  std::vector<std::uint64_t> checked;
  run.hooks.spectrum = [&](std::uint64_t epoch, std::span<const double> theta) {
    checked.push_back(epoch);
    CHECK(theta.size() == 14);
  };
  run.run();
  CHECK(checked == std::vector<std::uint64_t>{4, 8, 12});
  std::vector<std::uint64_t> validated;
  for (const EpochRecord& record : run.records)
    if (record.validation) validated.push_back(record.epoch);
  // The last epoch of pretraining (1), of Adam (2-5: its third and last) and of L-BFGS (6-14: 3, 6, 9).
  CHECK(validated == std::vector<std::uint64_t>{1, 4, 5, 8, 11, 14});
}

TEST_CASE("tao_options_reach_every_phase") {
  SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-tao_max_it", "3"));
  ToyRun adam{Communicator(), only(OptimizerKind::adam)};
  adam.run();
  CHECK(adam.records.size() == 1);
  CHECK(adam.records[0].steps == 3);
  ToyRun lbfgs{Communicator(), only(OptimizerKind::lbfgs)};
  lbfgs.run();
  CHECK(lbfgs.records.size() == 3);
  SPNODE_PETSC(PetscOptionsClearValue(nullptr, "-tao_max_it"));

  SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-tao_type", "bncg"));
  ToyRun replaced{Communicator(), only(OptimizerKind::adam)};
  replaced.run();
  CHECK(replaced.records.size() == 4);  // as many iterations as Adam has epochs
  CHECK(replaced.records[3].steps == 4);
  SPNODE_PETSC(PetscOptionsClearValue(nullptr, "-tao_type"));
}

TEST_CASE("gradient_test_of_tao_leaves_training_as_it_is") {
  SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-tao_max_it", "2"));
  ToyRun plain{Communicator()}, tested{Communicator()};
  plain.run();
  SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-tao_test_gradient", nullptr));
  tested.run();
  SPNODE_PETSC(PetscOptionsClearValue(nullptr, "-tao_test_gradient"));
  SPNODE_PETSC(PetscOptionsClearValue(nullptr, "-tao_max_it"));
  CHECK(bytes(tested.state) == bytes(plain.state));
  REQUIRE(tested.records.size() == plain.records.size());
  for (std::size_t i = 0; i < plain.records.size(); ++i)
    CHECK(tested.records[i].loss.total == plain.records[i].loss.total);
}

TEST_CASE("visited_members_are_all_that_a_resumed_run_needs") {
  TrainingOptions options = short_training();
  options.checkpoint_minutes = 1e-12;
  ToyRun whole{Communicator(), options};
  whole.run();
  for (const std::size_t at : {3, 12, 25, 39}) {
    std::vector<std::vector<double>> vectors;
    std::vector<parallel::VectorPart> parts;
    std::vector<double> reals;
    std::vector<std::uint64_t> counts;
    struct Save {
      decltype(vectors)& v;
      decltype(parts)& p;
      decltype(reals)& r;
      decltype(counts)& c;
      void operator()(const char*, const std::vector<double>& x) { v.push_back(x); }
      void operator()(const char*, const parallel::VectorPart& x) { p.push_back(x); }
      void operator()(const char*, double x) { r.push_back(x); }
      void operator()(const char*, std::uint64_t x) { c.push_back(x); }
    };
    struct Load {
      const decltype(vectors)& v;
      const decltype(parts)& p;
      const decltype(reals)& r;
      const decltype(counts)& c;
      std::size_t i = 0, j = 0, k = 0, l = 0;
      void operator()(const char*, std::vector<double>& x) { x = v[i++]; }
      void operator()(const char*, parallel::VectorPart& x) { x = p[l++]; }
      void operator()(const char*, double& x) { x = r[j++]; }
      void operator()(const char*, std::uint64_t& x) { x = c[k++]; }
    };
    REQUIRE(at < whole.checkpoints.size());
    visit_members(whole.checkpoints[at], Save{vectors, parts, reals, counts});
    ToyRun resumed{Communicator(), options};
    visit_members(resumed.state, Load{vectors, parts, reals, counts});
    CHECK(bytes(resumed.run()) == bytes(whole.state));
    CHECK(resumed.records.back().epoch == whole.records.back().epoch);
  }
}

TEST_CASE("ranks_that_keep_parts_of_the_state_get_the_same_parameters") {
  TrainingOptions options = short_training();
  options.adam.clip = 0.4;
  ToyRun whole{Communicator(), options};
  options.adam.shared_from = 1;
  ToyRun shared{Communicator(), options};
  CHECK(shared.run().theta == whole.run().theta);
  CHECK(shared.state.best_theta == whole.state.best_theta);
}

TEST_CASE("state_of_another_model_is_refused") {
  ToyRun run{Communicator()};
  run.state = TrainerState::start(std::vector<double>(5, 0.0));
  CHECK_THROWS_AS(run.run(), FileError);
}
