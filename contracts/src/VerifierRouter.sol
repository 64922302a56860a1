// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { AccessControlDefaultAdminRules } from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import { Pausable } from "@openzeppelin/contracts/utils/Pausable.sol";
import { IVerifier } from "./IVerifier.sol";

/// @title One address for the verifiers of many circuits
/// @notice Callers name a circuit, not a contract. Whoever relies on a circuit is never surprised: a verifier comes into the place
/// of another, and leaves it, only after `DELAY`, which every caller can watch; only the guardian's stop is at once, and it can
/// only make the router answer less.
/// @dev A retired or stopped verifier stays in its entry, so that the error says which of the two it was.
contract VerifierRouter is AccessControlDefaultAdminRules, Pausable {
    /// @notice What the router does with a circuit's proofs: it answers for `Active` and `Retiring` ones.
    enum Status {
        Unknown,
        Pending,
        Active,
        Retiring,
        Retired,
        Stopped
    }

    /// @dev `retiredFrom` is zero until retirement is announced; `codeHash` is that of the verifier when it was registered.
    struct Entry {
        IVerifier verifier;
        uint40 activeFrom;
        uint40 retiredFrom;
        bool stopped;
        bytes32 codeHash;
    }

    /// @notice May register verifiers and announce their retirement.
    bytes32 public constant REGISTRAR_ROLE = keccak256("REGISTRAR_ROLE");
    /// @notice May stop one circuit for ever, or pause all of them, at once.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");
    /// @notice Bounds of `DELAY`, in seconds: shorter could not be watched, longer is a mistake.
    uint256 public constant MIN_DELAY = 1 hours;
    uint256 public constant MAX_DELAY = 365 days;
    /// @notice Seconds between the announcement of a retirement or of a replacement and its effect.
    uint40 public immutable DELAY;

    mapping(bytes32 circuitId => Entry) private _entries;

    /// @notice A verifier answers for a circuit from a time on.
    event VerifierRegistered(bytes32 indexed circuitId, IVerifier indexed verifier, uint256 activeFrom);
    /// @notice A circuit's verifier no longer answers from a time on.
    event RetirementAnnounced(bytes32 indexed circuitId, IVerifier indexed verifier, uint256 retiredFrom);
    /// @notice An announced retirement does not take place.
    event RetirementCancelled(bytes32 indexed circuitId, IVerifier indexed verifier);
    /// @notice A circuit's verifier does not answer any more.
    event VerifierStopped(bytes32 indexed circuitId, IVerifier indexed verifier);

    error DelayOutOfRange(uint256 delay);
    error RoleForNobody();
    error NotAContract(address verifier);
    error WrongCircuit(bytes32 found);
    error AlreadyRegistered(bytes32 circuitId);
    error UnknownCircuit(bytes32 circuitId);
    error NotYetActive(bytes32 circuitId, uint256 activeFrom);
    error Retired(bytes32 circuitId, uint256 retiredFrom);
    error RetirementNotAnnounced(bytes32 circuitId);
    error RetirementAlreadyAnnounced(bytes32 circuitId, uint256 retiredFrom);
    error Stopped(bytes32 circuitId);
    error CodeChanged(bytes32 circuitId);

    /// @notice Makes an empty router.
    /// @param delay seconds, for retirements, replacements, and a change of the administrator
    /// @param admin gives and takes the roles, and ends a pause
    /// @param registrar the first to hold that role
    /// @param guardian the first to hold that role
    constructor(uint40 delay, address admin, address registrar, address guardian) AccessControlDefaultAdminRules(delay, admin) {
        if (delay < MIN_DELAY || delay > MAX_DELAY) revert DelayOutOfRange(delay);
        if (registrar == address(0) || guardian == address(0)) revert RoleForNobody();
        DELAY = delay;
        _grantRole(REGISTRAR_ROLE, registrar);
        _grantRole(GUARDIAN_ROLE, guardian);
    }

    /// @notice Registers the verifier of a circuit: at once when the circuit never had one, otherwise (its verifier has retired or
    /// was stopped, and people may rely on the circuit) after `DELAY`.
    /// @param circuitId the circuit that the registrar means; the verifier must state the same
    /// @param verifier a deployed verifier
    function register(bytes32 circuitId, IVerifier verifier) external onlyRole(REGISTRAR_ROLE) {
        Status before = status(circuitId);
        if (before != Status.Unknown && before != Status.Retired && before != Status.Stopped) revert AlreadyRegistered(circuitId);
        if (address(verifier).code.length == 0) revert NotAContract(address(verifier));
        bytes32 found = verifier.circuitId();
        if (found != circuitId) revert WrongCircuit(found);

        uint40 activeFrom = uint40(block.timestamp) + (before == Status.Unknown ? 0 : DELAY);
        _entries[circuitId] =
            Entry({ verifier: verifier, activeFrom: activeFrom, retiredFrom: 0, stopped: false, codeHash: address(verifier).codehash });
        emit VerifierRegistered(circuitId, verifier, activeFrom);
    }

    /// @notice Announces that the circuit's verifier retires after `DELAY`; until then it answers as before.
    /// @param circuitId a circuit whose verifier is pending or active
    function retire(bytes32 circuitId) external onlyRole(REGISTRAR_ROLE) {
        Entry storage entry = _inService(circuitId);
        if (entry.retiredFrom != 0) revert RetirementAlreadyAnnounced(circuitId, entry.retiredFrom);
        uint40 retiredFrom = uint40(block.timestamp) + DELAY;
        entry.retiredFrom = retiredFrom;
        emit RetirementAnnounced(circuitId, entry.verifier, retiredFrom);
    }

    /// @notice Takes back an announced retirement that has not come into effect.
    /// @param circuitId a circuit whose verifier is about to retire
    function cancelRetirement(bytes32 circuitId) external onlyRole(REGISTRAR_ROLE) {
        Entry storage entry = _inService(circuitId);
        if (entry.retiredFrom == 0) revert RetirementNotAnnounced(circuitId);
        entry.retiredFrom = 0;
        emit RetirementCancelled(circuitId, entry.verifier);
    }

    /// @notice Stops the circuit's verifier at once and for good; another can be registered, which takes `DELAY`.
    /// @param circuitId a circuit whose verifier is pending, active or about to retire
    function stop(bytes32 circuitId) external onlyRole(GUARDIAN_ROLE) {
        Entry storage entry = _inService(circuitId);
        entry.stopped = true;
        emit VerifierStopped(circuitId, entry.verifier);
    }

    /// @notice Pauses the answers for all circuits, as when the generator of the verifiers is found to be at fault.
    function pause() external onlyRole(GUARDIAN_ROLE) {
        _pause();
    }

    /// @notice Ends a pause. The guardian cannot: a stolen guardian's key must not undo a pause.
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    /// @notice Verifies a proof with the circuit's verifier, whose errors are passed on.
    /// @param circuitId which circuit the proof is of
    /// @param proof as `IVerifier.verifyProof` takes it
    /// @param instances as `IVerifier.verifyProof` takes them
    /// @return accepted whether the proof is accepted; false is *rejected*
    function verify(bytes32 circuitId, bytes calldata proof, uint256[] calldata instances) external view returns (bool accepted) {
        return verifierOf(circuitId).verifyProof(proof, instances);
    }

    /// @notice The verifier that answers for a circuit now; reverts with the reason when none does.
    /// @param circuitId a circuit
    /// @return verifier an active verifier whose code is what was registered
    function verifierOf(bytes32 circuitId) public view whenNotPaused returns (IVerifier verifier) {
        Entry storage entry = _inService(circuitId);
        if (block.timestamp < entry.activeFrom) revert NotYetActive(circuitId, entry.activeFrom);
        verifier = entry.verifier;
        // An account can change its code while it keeps its address (a delegated account does at will).
        if (address(verifier).codehash != entry.codeHash) revert CodeChanged(circuitId);
    }

    /// @notice Where a circuit stands, leaving a pause of the whole router aside.
    /// @param circuitId a circuit
    /// @return `Unknown` when no verifier was ever registered for it
    function status(bytes32 circuitId) public view returns (Status) {
        Entry storage entry = _entries[circuitId];
        if (address(entry.verifier) == address(0)) return Status.Unknown;
        if (entry.stopped) return Status.Stopped;
        if (entry.retiredFrom != 0 && block.timestamp >= entry.retiredFrom) return Status.Retired;
        if (block.timestamp < entry.activeFrom) return Status.Pending;
        return entry.retiredFrom == 0 ? Status.Active : Status.Retiring;
    }

    /// @notice What is recorded about a circuit, whether or not its verifier answers.
    /// @param circuitId a circuit
    /// @return entry all zero when no verifier was ever registered for it
    function entryOf(bytes32 circuitId) external view returns (Entry memory entry) {
        return _entries[circuitId];
    }

    /// @dev The entry of a circuit that is pending, active or about to retire; reverts with the reason otherwise.
    function _inService(bytes32 circuitId) private view returns (Entry storage entry) {
        entry = _entries[circuitId];
        if (address(entry.verifier) == address(0)) revert UnknownCircuit(circuitId);
        if (entry.stopped) revert Stopped(circuitId);
        uint256 retiredFrom = entry.retiredFrom;
        if (retiredFrom != 0 && block.timestamp >= retiredFrom) revert Retired(circuitId, retiredFrom);
    }
}
