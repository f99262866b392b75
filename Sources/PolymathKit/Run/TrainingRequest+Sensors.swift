internal import Conventions
internal import Device

extension TrainingRequest {
    /// Where a run learns how the device is: this machine, a folder that stands for its `/`, or a recorded trace.
    ///
    /// - Throws: `InputError` for a path where there is neither.
    func makeSensors() throws -> any DeviceSensors {
        guard let path = sensorsPath else { return LinuxSensors(presenceFile: presenceFile) }
        if InputPath.isFolder(path) { return LinuxSensors(root: path, presenceFile: presenceFile) }
        try InputPath.requireFile(path, kind: "folder of sensors, or trace,")
        do {
            return try RecordedTrace(path: path)
        } catch let error as DeviceTraceError {
            throw InputError.unusable(kind: "trace", path: path, reason: error.description)
        }
    }
}
