"""Fifty rules of all eight conditions, such as an operator of several farms might have, for `million`'s history."""

from pathlib import Path

RULES = """\
rules:
  # --- each
  - {name: reboot-failed, match: {task: miner.system.reboot, status: [failed, timed_out]}}
  - {name: firmware-failed, match: {task: miner.firmware.update, status: [failed, timed_out]}}
  - {name: pool-failed, match: {task: miner.pool.update, status: [failed, timed_out]}, expire: 2d}
  - {name: power-failed, match: {task: miner.power_mode.update, status: [failed, timed_out]}, by: [farm, miner]}
  - {name: anything-timed-out, match: {status: timed_out}, by: [farm, task], resolve: {after: 2h}}
  - {name: checksum, match: {status: failed, error: "*checksum*"}, by: [farm, model], resolve: {after: 6h}}
  - {name: no-pool, match: {status: failed, error: "/pool did not/"}, by: [farm], resolve: {after: 1h}}
  - {name: cancelled, match: {status: cancelled}, by: [farm, batch]}
  - {name: slow-reboot, match: {task: miner.system.reboot, status: succeed, duration: "> 8m"}, by: [farm, miner]}
  - {name: long-queue, match: {task: miner.pool.update, status: pending, queue_time: "> 30m"}}
  - {name: s21-failing, match: {model: "Antminer S21*", status: failed}, by: [farm, miner], resolve: never}
  - {name: sick-miner, match: {health: hashboard_missing, status: failed}, by: [farm, miner]}
  - name: big-firmware
    match: {task: miner.firmware.update, status: pending}
    by: [farm, batch]
    resolve: {on: {task: miner.firmware.update, status: succeed}}

  # --- count
  - {name: many-failures, match: {status: [failed, timed_out]}, count: {at_least: 20, within: 30m}}
  - {name: many-miners, match: {status: [failed, timed_out]}, count: {at_least: 15, within: 1h, distinct: miner}}
  - {name: miner-again, match: {status: failed}, count: {at_least: 2, within: 2d}, by: [farm, miner]}
  - name: lights-often
    match: {task: miner.light.update, status: succeed}
    count: {at_least: 3, within: 7d}
    by: [farm, miner]
  - {name: model-fails, match: {status: failed}, count: {at_least: 10, within: 6h}, by: [farm, model]}
  - {name: timeouts, match: {status: timed_out}, count: {at_least: 8, within: 15m}, by: [farm], keep_firing_for: 10m}
  - name: firmware-batch
    match: {task: miner.firmware.*, status: failed}
    count: {at_least: 5, within: 6h}
    by: [batch]
  - {name: storm, match: {task: miner.firmware.update, status: created}, count: {at_least: 150, within: 5m}}
  - name: version-fails
    match: {status: [failed, timed_out]}
    count: {at_least: 6, within: 2h, distinct: miner}
    by: [firmware_version]

  # --- ratio
  - {name: a-fifth-fails, match: {status: [failed, timed_out]}, ratio: {at_least: 20%, within: 1h, min_total: 50}}
  - name: batch-failing
    match: {status: [failed, timed_out]}
    ratio: {at_least: 20%, within: 6h, min_total: 20}
    by: [farm, batch]
  - name: firmware-surely-failing
    match: {task: miner.firmware.update, status: [failed, timed_out]}
    ratio: {at_least: 10%, within: 12h, min_total: 20, confidence: 95%}
    by: [farm, model]
  - name: miners-failing
    match: {status: failed}
    ratio: {at_least: 15%, within: 2h, min_total: 30, distinct: miner}
  - name: pool-ratio
    match: {task: miner.pool.update, status: [failed, timed_out]}
    ratio: {at_least: 10%, within: 6h, min_total: 10}
    for: 5m
  - name: reboot-ratio
    match: {task: miner.system.reboot, status: [failed, timed_out]}
    ratio: {at_least: 25%, within: 3h, min_total: 20, of: {task: miner.system.reboot, status: pending}}

  # --- stuck
  - {name: not-begun, match: {task: miner.light.update, status: [created, queuing]}, stuck: {longer_than: 30m}}
  - {name: runs-long, match: {task: miner.firmware.update, status: pending}, stuck: {longer_than: 15m}}
  - {name: batch-stuck, match: {task: miner.firmware.update}, stuck: {longer_than: 20m}, by: [farm, batch]}
  - {name: reboot-stuck, match: {task: miner.system.reboot, status: pending}, stuck: {longer_than: 10m}}

  # --- absent
  - {name: no-pool-work, match: {task: miner.pool.update, status: pending}, absent: {within: 6h}}
  - {name: no-reboot, match: {task: miner.system.reboot, status: succeed}, absent: {within: 3h}}
  - {name: no-logs, match: {task: miner.log.get, status: succeed}, absent: {within: 12h}}
  - {name: no-firmware, match: {task: miner.firmware.update, status: succeed}, absent: {within: 1d}, by: [farm, model]}
  - {name: miner-silent, match: {task: miner.log.get, status: succeed}, absent: {within: 12d}, by: [farm, miner]}

  # --- sequence
  - name: failed-again
    match: {task: miner.power_mode.update}
    sequence:
      steps: [{status: failed}, {status: failed}]
      within: 2d
      without: {task: miner.power_mode.update, status: succeed}
  - name: firmware-then-reboot
    sequence:
      steps: [{task: miner.firmware.update, status: succeed}, {task: miner.system.reboot, status: [failed, timed_out]}]
      within: 1d
  - name: reboot-does-not-help
    sequence:
      steps: [{status: failed}, {task: miner.system.reboot, status: succeed}, {status: failed}]
      within: 3d
  - name: power-then-pool
    match: {status: [failed, timed_out]}
    sequence: {steps: [{task: miner.power_mode.update}, {task: miner.pool.update}], within: 6h}
    by: [farm]

  # --- spike
  - {name: failures-spike, match: {status: [failed, timed_out]}, spike: {times: 4, within: 30m, baseline: 6h, min: 10}}
  - {name: timeouts-spike, match: {status: timed_out}, spike: {times: 5, within: 1h, baseline: 1d, min: 5}}
  - name: log-spike
    match: {task: miner.log.get, status: created}
    spike: {times: 3, within: 1h, baseline: 6h, min: 50}
  - name: model-spike
    match: {status: failed}
    spike: {times: 3, within: 2h, baseline: 1d, min: 5}
    by: [farm, model]
  - {name: cancels-spike, match: {status: cancelled}, spike: {times: 4, within: 2h, baseline: 1d, min: 2}}

  # --- new
  - name: new-version
    match: {task: miner.firmware.update, status: succeed}
    new: {field: firmware_version, memory: 10d, learn: 1d}
  - name: new-model
    match: {task: miner.firmware.update, status: created}
    new: {field: model, memory: 14d, learn: 3d}
  - name: new-reason
    match: {status: failed}
    new: {field: error, memory: 7d, learn: 2d}
    resolve: {after: 1h}
  - {name: new-task, match: {status: timed_out}, new: {field: task, memory: 1d, learn: 2d}, resolve: {after: 1h}}
"""


def write_rules(folder: Path) -> None:
    (folder / "rules.yaml").write_text(RULES)
